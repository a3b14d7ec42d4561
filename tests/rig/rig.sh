#!/bin/bash
# A private cloud inside a pid, net and mount namespace of its own: an EC2 API whose instances are real. Nothing of it
# survives this process, however that ends.
#
# usage: rig.sh PROFILE IMDS CHROOTS VENV WORK
#   PROFILE  aws | euca: which parameters the API takes
#   IMDS     v1 | v2 | optional | euca: how the instances' metadata service is asked
#   CHROOTS  a folder of chroots that the image has baked in; those that instances make are kept there
#   VENV     a Python venv with `moto[server,ec2]`
#   WORK     an empty folder: the instances' disks, and rig.log, which says `is up`
#
# Inside: EC2 at http://10.99.0.1:5000, control of the rig at http://10.99.0.1:5001 (see cloud.py).
set -eu
export PROFILE=$1 IMDS=$2 CHROOTS=$3 VENV=$4 WORK=$5
HERE=$(dirname "$(realpath "$0")")
export HERE PYTHONDONTWRITEBYTECODE=1
# It ends with whoever started it, however that ends.
exec setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private bash -euc '
    mkdir -p /run/netns
    mount -t tmpfs tmpfs /run/netns
    ip link set lo up
    exec "$VENV/bin/python" "$HERE/cloud.py" --profile "$PROFILE" --imds "$IMDS" --chroots "$CHROOTS" --state "$WORK/instances" \
        >"$WORK/rig.log" 2>&1
'
