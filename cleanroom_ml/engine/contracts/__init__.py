"""What every room of the engine shares: whose a piece of work is, how it is ended, and who goes next."""
