"""What shares this machine between parties: whose a piece of work is, how it is ended, and who goes next."""
