#!/bin/busybox sh
# All that a dom0 needs to migrate guests, in the order in which it needs it. Nothing is on disk: every boot is clean.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
for command in mount mkdir cat insmod hostname sleep setsid ln; do ln -sf /bin/busybox /lab/bin/$command; done
PATH=/lab/bin:$PATH
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /run/lock /run/sshd /run/xen /var/lib/xen /var/lib/xenstored /var/log/xen/console
mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm
while read -r module; do insmod "/lab/modules/$module"; done < /lab/modules/order
mount -t xenfs xenfs /proc/xen
for word in $(cat /proc/cmdline); do case $word in lab.number=*) number=${word#*=};; esac; done
hostname "host$number"
ip link set lo up
ip address add 10.0.2.15/24 dev eth0; ip link set eth0 up
# Without offloads, large frames are what makes the emulated link quick.
ip link set eth1 mtu 60000; ip address add "10.99.0.$number/24" dev eth1; ip link set eth1 up
/usr/sbin/sshd
xen=$(echo /usr/lib/xen-4*/bin)
"$xen/xenstored" --pid-file /run/xenstored.pid
until xenstore-read -s / >/dev/null 2>&1; do sleep 0.1; done
"$xen/xen-init-dom0"
"$xen/xenconsoled" --log=guest --timestamp=all --log-dir=/var/log/xen/console --pid-file=/run/xenconsoled.pid
setsid /lab/plainsh --serve "10.99.0.$number" </dev/null >/var/log/plainsh 2>&1 &
echo "xenlab: host$number is ready"
