#!/usr/bin/env bash
# Both parties' steps without a terminal, as their CI jobs would run them: ./ci.sh [rows]
# Every step can be repeated; a failed one stops the script with its exit code (11: bytes differ, 20: the job failed, …).
set -euo pipefail
cd "$(dirname "$0")"
export CI=true

in_party() { (cd "$1" && shift && "$@"); }

# The digest of what is approved holds the room and the accounts too, so it is there once the request is. A person reads
# `cleanroom-ml review activate` and keeps it in the pipeline's settings, as ACTIVATE_DIGEST; where that is not set, it is
# taken only if the template is the one in this directory, which was read.
activate_digest() {
  in_party advertiser cleanroom-ml review activate --format json | python -c '
import json, sys, yaml
review, read = json.load(sys.stdin), yaml.safe_load(open("publisher/activate.yaml"))
print(review["approval_digest"]) if review["template"] == read["template"] else sys.exit("not the template that was read")'
}

for party in publisher advertiser; do
  cleanroom-ml account create "$party"
  in_party "$party" cleanroom-ml connection use "$party"
done
[ -f advertiser/data/redeemers.parquet ] || python generate.py ${1:+--rows "$1"}
python load.py publisher
python load.py advertiser

# The publisher, who provides the templates
in_party publisher cleanroom-ml validate
in_party publisher cleanroom-ml collaboration create
in_party publisher cleanroom-ml offering link
in_party publisher cleanroom-ml stage
in_party publisher cleanroom-ml spec register
in_party publisher cleanroom-ml template submit

# The advertiser, who runs them
in_party advertiser cleanroom-ml collaboration join
in_party advertiser cleanroom-ml offering link
in_party advertiser cleanroom-ml approve train --yes --reviewed reviewed_code/
in_party advertiser cleanroom-ml approve score --yes --reviewed reviewed_code/
digest=${ACTIVATE_DIGEST:-$(activate_digest)}
in_party advertiser cleanroom-ml approve activate --yes --expect-digest "$digest"
in_party advertiser cleanroom-ml pool create
job=$(in_party advertiser cleanroom-ml run train)
in_party advertiser cleanroom-ml status "$job" --wait --timeout 600
in_party advertiser cleanroom-ml result "$job" --format json
in_party advertiser cleanroom-ml run score --wait --timeout 600
in_party advertiser cleanroom-ml activate --yes --again  # as another batch, where an earlier run has sent one

# The publisher receives the audience
in_party publisher cleanroom-ml activation process --segment lookalike_q3
in_party publisher cleanroom-ml activation export --segment lookalike_q3 --output audience.csv
