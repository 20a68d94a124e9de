# Podman with runc, its Docker-compatible API on a socket, and one small image that needs no registry.
packages=(podman runc iptables curl)
services=(podman.socket podman.service podman-restart.service)

image=localhost/stepcast-test:latest
socket=$state/podman.sock
export CONTAINERS_CONF=$state/containers.conf
export CONTAINERS_STORAGE_CONF=$state/storage.conf

# What does not outlast a boot of the machine must be where nothing does: by that podman knows that there was one.
if [ "$(id -u)" = 0 ]; then volatile=/run/stepcast-engines/$(cksum <<<"$state" | cut -d ' ' -f 1); else volatile=$state/run; fi

# What the image is made of: the basic tools, as they are installed on this machine.
image_packages=(
  base-files bash coreutils dash debianutils findutils grep gzip hostname mawk sed tar util-linux
  libacl1 libattr1 libblkid1 libc-bin libc6 libgmp10 libmount1 libpcre2-8-0 libselinux1 libsmartcols1 libtinfo6 zlib1g
)

prepare() {
  # The limits are below what containers are given otherwise: more than a machine's own hard limits is refused.
  cat >"$CONTAINERS_CONF" <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "$volatile/libpod"

[engine.runtimes]
runc = ["$(command -v runc || echo /usr/sbin/runc)"]
CONF
  cat >"$CONTAINERS_STORAGE_CONF" <<CONF
[storage]
driver = "$(storage_driver)"
graphroot = "$state/storage"
runroot = "$volatile/storage"
CONF
  podman image exists "$image" || make_image
}

# A folder that is itself an overlay, as in a container, takes no second one.
storage_driver() {
  if [ "$(stat -f -c %T "$state")" = overlayfs ]; then echo vfs; else echo overlay; fi
}

make_image() {
  local tree package
  tree=$(mktemp -d "$state/image.XXXXXX")
  for package in "${image_packages[@]}"; do dpkg -L "$package"; done |
    grep -E '^/.' | grep -vE '^/usr/share/(doc|man|locale|info|lintian|bash-completion)/|/gconv/' |
    # Packages may name a file by a folder that is a link, such as /bin.
    sed -E 's,^/(bin|sbin|lib|lib64)/,/usr/\1/,' | sort -u |
    while read -r file; do [ ! -e "$file" ] || printf '%s\n' "$file"; done |
    tar --no-recursion -c -T - 2>/dev/null | tar -x -C "$tree"
  for link in bin sbin lib lib64; do [ -e "$tree/$link" ] || ln -s "usr/$link" "$tree/$link"; done
  cp /usr/share/base-passwd/passwd.master "$tree/etc/passwd"
  cp /usr/share/base-passwd/group.master "$tree/etc/group"
  tar -C "$tree" -c . | quietly podman import - "$image"
  rm -rf "$tree"
}

start() {
  # What an earlier boot of the machine left is no socket any more.
  daemon_lives "$state/service.pid" "podman system service" || rm -f "$socket"
  daemon service "podman system service" "podman's API answers on $socket" api_answers \
    podman system service --time=0 "unix://$socket"
}

api_answers() { [ "$(curl -sf --unix-socket "$socket" http://podman/_ping)" = OK ]; }

stop() {
  end_daemon service "podman system service"
  rm -f "$socket"
}

prove() {
  api_answers
  [ "$(podman run --rm --network none "$image" echo answer)" = answer ]
  podman version --format 'podman {{.Client.Version}}'
}

settings() {
  setting CONTAINERS_CONF "$CONTAINERS_CONF"
  setting CONTAINERS_STORAGE_CONF "$CONTAINERS_STORAGE_CONF"
  setting DOCKER_HOST "unix://$socket"
  setting STEPCAST_TEST_IMAGE "$image"
  setting STEPCAST_TEST_PODMAN "$(command -v podman)"
}
