#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 300
# shellcheck disable=SC2154 # what lib.sh sets
# Interfaces on bridges of the host and on taps somebody else made: who talks
# to whom, what is refused, and that nothing is left behind. In a network
# namespace of its own: the host's devices are not touched.
set -u
if [ "${1:-}" != inside ]; then
    exec unshare -nm "$0" inside
fi
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh

nic() # TYPE SOURCE [CHILDREN]
{
    echo "<interface type='$1'>${2:+<source $1='$2'/>}" \
        "<model type='virtio'/>${3:-}</interface>"
}
ip link set lo up
# passt wants to see a way out.
ip link add out0 type veth peer name out1 && ip link set out1 up
ip link set out0 up && ip addr add 192.0.2.2/24 dev out0
ip route add default via 192.0.2.1
ip link add br0 type bridge && ip link set br0 mtu 1400 && ip link set br0 up ||
    skip_all "needs bridges"
[ -c /dev/net/tun ] || skip_all "needs /dev/net/tun"
mkdir "$work/sys" && mount -t sysfs sysfs "$work/sys" # of this namespace
net=$work/sys/class/net
ports() { ip -o link show master br0 | wc -l; }
gone() { [ "$(ports)" = 0 ] && ! ip link show type tun | grep -q .; }

# ---- what is refused -------------------------------------------------------
fails "a bridge that is not there" 4 "bridge 'br9' does not exist" \
    "$(nic bridge br9)"
fails "a device that is no bridge" 8 "device 'lo' is no bridge" \
    "$(nic bridge lo)"
fails "a network that is not there" 4 "network 'lan' has no bridge" \
    "$(nic network lan)"
fails "a tap that is not there" 4 "there is no tap 'tap9'" \
    "$(nic ethernet '' "<target dev='tap9' managed='no'/>")"
fails "a name that is taken" 5 "there is a device 'br0' already" \
    "$(nic ethernet '' "<target dev='br0'/>")"
fails "a name that is none" 3 "no name of a network device" \
    "$(nic bridge ../br0)"
fails "vhost where it is not" 4 "cannot use '/dev/vhost-net'" \
    "$(nic bridge br0 "<driver name='vhost'/>")"
fails "queues of a model without" 8 "several queues" \
    "<interface type='bridge'><source bridge='br0'/><driver queues='2'/><model
        type='e1000'/></interface>"
fails "a filter of libvirt's" 6 "filterref" \
    "$(nic bridge br0 "<filterref filter='clean-traffic'/>")"
fails "a VLAN" 6 "vlan" "$(nic bridge br0 "<vlan><tag id='7'/></vlan>")"
fails "two interfaces with one MAC" 7 "in use on bridge 'br0' by domain 'tried'" \
    "$(nic bridge br0 "<mac address='52:54:00:00:00:09'/>")" \
    "$(nic bridge br0 "<mac address='52:54:00:00:00:09'/>")"
check "nothing of these is left" gone

# ---- what a tap is ---------------------------------------------------------
starts "several queues" "$(nic bridge br0 "<driver queues='4'/>")"
starts "other models" \
    "<interface type='bridge'><source bridge='br0'/><model
        type='e1000e'/></interface>" \
    "<interface type='ethernet'><target dev='own0'/></interface>"
mkdir -p "$root/etc/networks"
echo "<network><name>lan</name><bridge name='br0'/><port isolated='yes'/>
</network>" >"$root/etc/networks/lan.xml"
machine net "$(nic network lan "<mtu size='1300'/>")" "$(nic network default)" \
    >"$work/said" 2>&1
grep -q "carried by passt: network 'default' has no bridge" "$work/said"
verdict $? "define says what a network became" || note "$(cat "$work/said")"
check "networks by name" svirt -q start --paused net
check "verify accepts them" svirt verify net
svirt dominfo net >"$work/said"
grep -q "^Interface net0:  *bridge br0, isolated port.*, vnet0" "$work/said" &&
    grep -q "^Interface net1:  *passt: network 'default'" "$work/said"
verdict $? "dominfo says what carries them" || note "$(cat "$work/said")"
is "the tap's MTU" "$(cat "$net/vnet0/mtu")" 1300
is "its port is isolated" "$(cat "$net/vnet0/brport/isolated")" 1
is "its owner is root" "$(cat "$net/vnet0/owner")" 0
check "it has no address" test -z "$(ip -o addr show dev vnet0)"
svirt -q destroy net
check "it goes with its VM" soon gone
echo "<network><bridge name='br0'/><vlan><tag id='1'/></vlan></network>" \
    >"$root/etc/networks/lan.xml"
fails "a network with more than a bridge" 8 "<vlan> of a network" \
    "$(nic network lan)"

# ---- somebody else's tap ---------------------------------------------------
ip tuntap add dev tap0 mode tap user daemon
machine other "$(nic ethernet '' "<target dev='tap0' managed='no'/>")"
check "a tap of the administrator's" svirt -q start --paused other
fails "for one VM at a time" 7 "tap 'tap0' is in use by domain 'other'" \
    "$(nic ethernet '' "<target dev='tap0' managed='no'/>")"
svirt -q destroy other
check "it stays" test -e "$net/tap0"
printf '%s' "<domain type='qemu'><name>foreign</name><memory>65536</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
  $(nic ethernet '' "<target dev='tap0' managed='no'/>")</devices></domain>" |
    svirt -q define --author games -
svirt start --paused foreign >"$work/said" 2>&1
is "not of another user's" $? 6
grep -q "tap 'tap0' is not uid $(id -u games)'s" "$work/said"
verdict $? "and says so" || note "$(cat "$work/said")"
svirt -q undefine foreign
printf '%s' "<domain type='qemu'><name>foreign</name><memory>65536</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
  $(nic bridge br0)</devices></domain>" |
    svirt define --author games - >"$work/said" 2>&1
is "a user joins no bridge" $? 6
ip link del tap0

# ---- a device of the host's ------------------------------------------------
direct() # DEVICE [MODE [CHILDREN]]
{
    echo "<interface type='direct'><source dev='$1' mode='${2:-bridge}'/>" \
        "<model type='virtio'/>${3:-}</interface>"
}
fails "a device that is not there" 4 "device 'out9' does not exist" \
    "$(direct out9)"
fails "a mode that is none" 3 "mode" "$(direct out1 hairpin)"
if ip link add link out1 name probe0 type macvtap 2>/dev/null; then
    ip link del probe0
    no_nodes() { [ -z "$(find /dev -maxdepth 1 -name 'tap[0-9]*')" ]; }
    starts "a macvtap" "$(direct out1)"
    starts "several queues" "$(direct out1 vepa "<driver queues='2'/>")"
    check "it goes with its VM" soon no_nodes
    fails "two with one MAC" 7 "is in use" \
        "$(direct out1 bridge "<mac address='52:54:00:00:00:09'/>")" \
        "$(direct out1 bridge "<mac address='52:54:00:00:00:09'/>")"
    for name in da db; do
        boots $name
        machine $name "<serial type='pty'/>" "$(direct out1)"
        start $name
    done
    attach da && attach db
    verdict $? "two guests on a device are up" || note "$(cat "$work"/d?.started)"
    svirt verify da >"$work/said"
    verdict $? "verify accepts them" || note "$(cat "$work/said")"
    ask da 'ip link set eth0 up; ip addr add 10.9.7.1/24 dev eth0' \
        >"$work/ignored"
    ask db 'ip link set eth0 up; ip addr add 10.9.7.2/24 dev eth0' \
        >"$work/ignored"
    is "they talk" \
        "$(ask da 'ping -c 3 -W 5 10.9.7.2 >/dev/null && echo yes' 60)" yes
    is "the host sees no device of theirs" \
        "$(ip link show type macvtap | wc -l)" 0
    kill -9 "$(pgrep -xf "svirt-keeper da")"
    svirt -q destroy da
    svirt -q destroy db
    check "and they go, without a keeper too" soon no_nodes
else
    skip "direct" "this kernel has no macvtap"
fi

# ---- guests talk -----------------------------------------------------------
for name in ena enb; do
    boots $name
    mac=52:54:00:00:01:0$((RANDOM % 9))
    [ $name = ena ] || mac=52:54:00:00:02:01
    machine $name "<serial type='pty'/>" \
        "$(nic bridge br0 "<mac address='$mac'/>")"
    start $name
done
attach ena && attach enb
verdict $? "two guests on a bridge are up"
fails "a third with the MAC of one of them" 7 "by domain 'enb'" \
    "$(nic bridge br0 "<mac address='52:54:00:00:02:01'/>")"
ask ena 'ip link set eth0 up; ip addr add 10.9.8.1/24 dev eth0' >"$work/ignored"
ask enb 'ip link set eth0 up; ip addr add 10.9.8.2/24 dev eth0' >"$work/ignored"
is "they talk" "$(ask ena 'ping -c 3 -W 2 10.9.8.2 >/dev/null && echo yes' 30)" yes
bridge link set dev "$(svirt domiflist enb | awk 'NR > 2 { print $1; exit }')" \
    isolated on
bridge link set dev "$(svirt domiflist ena | awk 'NR > 2 { print $1; exit }')" \
    isolated on
is "isolated ports do not" \
    "$(ask ena 'ping -c 2 -W 2 10.9.8.2 >/dev/null || echo no' 30)" no

# A keeper that dies costs no tap, and its VM's end takes it.
kill_hard "$(keeper ena)"
is "the taps stay" "$(ports)" 2
svirt recover >"$work/ignored"
svirt -q destroy ena
one() { [ "$(ports)" = 1 ]; }
check "and go" soon one
kill_hard "$(emulator enb)"
check "with an emulator that is killed too" soon gone
done_testing
