# Fetches cloudbuild from its control point and builds for it. The machine ends with the daemon, whose end says that
# there is no more work, or that nobody is there to work for; and it ends after its lifetime, whatever happens.
set -u
umask 077
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
export DEBIAN_FRONTEND=noninteractive
DIR=/var/lib/cloudbuild
PROGRAM=$DIR/cloudbuild

say() { echo "cloudbuild: $*"; [ -w /dev/console ] && echo "cloudbuild: $*" >/dev/console; return 0; }

off() {
    say "this machine ends: $*"
    sync
    if [ -d /run/systemd/system ]; then systemctl poweroff || shutdown -h now; sleep 60; fi
    # Where no init of its own listens, the kernel is asked.
    poweroff -ff || halt -p -f || kill -TERM 1
    exit 1
}

fetch_curl() { curl -fsS --retry 3 -H "Authorization: Bearer $TOKEN" -o "$2" "$1"; }
fetch_wget() { wget -q -t 3 --header "Authorization: Bearer $TOKEN" -O "$2" "$1"; }
fetch_python3() {
    python3 -c 'import shutil, sys, urllib.request as r
url, to, token = sys.argv[1:]
r.install_opener(r.build_opener(r.ProxyHandler({})))
q = r.Request(url, headers={"Authorization": "Bearer " + token})
with r.urlopen(q, timeout=60) as a, open(to, "wb") as f: shutil.copyfileobj(a, f)' "$1" "$2" "$TOKEN"
}
fetch_perl() {
    perl -MIO::Socket::INET -e 'my ($url, $to, $token) = @ARGV;
my ($host, $path) = $url =~ m{^http://([^/]+)(/.*)} or die "Perl alone fetches by http only\n";
my $s = IO::Socket::INET->new(PeerAddr => $host, Timeout => 60) or die "$host: $!\n";
print $s "GET $path HTTP/1.0\r\nHost: $host\r\nAuthorization: Bearer $token\r\n\r\n";
binmode $s; my $first = <$s>; $first =~ m{^HTTP/1\.\d 200 } or die $first;
while (defined(my $line = <$s>)) { last if $line eq "\r\n" }
open my $f, ">", $to or die $!; binmode $f; local $/ = \65536;
while (defined(my $piece = <$s>)) { print $f $piece or die $! } close $f or die $!' "$1" "$2" "$TOKEN"
}

fetch() {
    for try in 1 2 3 4 5; do
        for tool in curl wget python3 perl; do
            command -v $tool >/dev/null || continue
            if fetch_$tool "$1" "$2" && echo "$SHA256  $2" | sha256sum -c >/dev/null 2>&1; then return 0; fi
            say "try $try: $tool did not bring the program whole"
        done
        sleep $try
    done
    return 1
}

# The absolute end of this machine, in a session of its own so that nothing below can take it along.
(setsid sleep "$LIFETIME"; off "its lifetime is over") </dev/null >/dev/null 2>&1 &

mkdir -p "$DIR"
fetch "$URL/v1/dist/$SHA256" "$PROGRAM" || off "it did not get the program from $URL"
chmod 0755 "$PROGRAM" && chmod 0711 "$DIR"
printf '{"url":"%s","token":"%s"}\n' "$URL" "$TOKEN" >"$DIR/control.json"
# What follows makes folders that the build user has to get through; only the token was a secret.
umask 022
"$PROGRAM" --version >/dev/null || off "the program does not run on this image"
"$PROGRAM" setup || off "the image lacks what builds need; see above"
say "$NAME is at work for $URL"

if [ -d /run/systemd/system ]; then
    cat >/etc/systemd/system/cloudbuild-daemon.service <<UNIT
[Unit]
Description=cloudbuild build daemon
Wants=network-online.target
After=network-online.target
[Service]
ExecStart=$PROGRAM --slots $SLOTS daemon --control-file $DIR/control.json --name $NAME $NOTICES
ExecStopPost=/bin/sh -c 'systemctl --no-block poweroff'
Delegate=yes
StandardOutput=journal+console
[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl --no-block start cloudbuild-daemon.service
else
    "$PROGRAM" --slots "$SLOTS" daemon --control-file "$DIR/control.json" --name "$NAME" $NOTICES
    off "the daemon ended"
fi
