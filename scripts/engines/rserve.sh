# Two Rserve on this machine's own address: one for all, one with a password. R code runs as a user of its own.
packages=(r-base-core r-cran-rserve r-cran-jsonlite)

user=stepcast-rserve
login=stepcast
program=/usr/lib/R/site-library/Rserve/libs/Rserve
# name:port of each
instances=(open:6311 secured:6312)
secret_file=$state/secret

prepare() {
  need_root "Setting up Rserve"
  id "$user" >/dev/null 2>&1 || quietly useradd --system --no-create-home --home-dir "$state/work" --shell /usr/sbin/nologin "$user"
  chmod 755 "$state"
  [ -e "$secret_file" ] || (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$secret_file")
  printf '%s %s\n' "$login" "$(cat "$secret_file")" >"$state/passwords"
  chown "$user" "$state/passwords"
  chmod 400 "$state/passwords"
  configure open 6311
  configure secured 6312 "auth required" "plaintext enable" "pwdfile $state/passwords"
}

# configure NAME PORT LINE...
configure() {
  local name=$1 port=$2
  shift 2
  mkdir -p "$state/work/$name"
  chown -R "$user" "$state/work"
  {
    printf '%s\n' "port $port" "remote disable" "daemon disable" "workdir $state/work/$name" \
      "encoding utf8" "fileio enable" "oob enable" "interactive no" "keep.alive enable" \
      "uid $(id -u "$user")" "gid $(id -g "$user")"
    [ $# = 0 ] || printf '%s\n' "$@"
  } >"$state/$name.conf"
}

start() {
  local instance name port
  for instance in "${instances[@]}"; do
    name=${instance%:*} port=${instance#*:}
    LC_ALL=C.UTF-8 daemon "$name" "$state/$name.conf" "Rserve answers on port $port" "port_answers $port" \
      R CMD "$program" --no-save --RS-conf "$state/$name.conf"
  done
}

stop() {
  local instance
  for instance in "${instances[@]}"; do end_daemon "${instance%:*}" "$state/${instance%:*}.conf"; done
}

# Logs in where that is needed and lets R compute, in Rserve's own protocol.
prove() {
  converse 6311 3 '1+1'
  converse 6312 1 "$login
$(cat "$secret_file")"
  Rscript -e 'cat("Rserve ", format(packageVersion("Rserve")), "\n", sep = "")'
}

# converse PORT COMMAND TEXT: one command with one text as argument; fails unless the answer is OK.
converse() {
  local length=$((${#3} + 1)) padded answer
  padded=$(((length + 3) / 4 * 4))
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  [ "$(head -c 32 <&3 | head -c 4)" = Rsrv ]
  {
    # Command, length of what follows, offset, high part of the length; then type 4 (a text) with its length.
    int32 "$2" $((padded + 4)) 0 0 $((4 + padded * 256))
    printf '%s' "$3"
    head -c $((padded - ${#3})) /dev/zero
    # In one piece, which is how Rserve reads the first 16 bytes.
  } | dd bs=64k iflag=fullblock status=none >&3
  answer=$(head -c 16 <&3 | od -An -tx1 -N4 | tr -d ' ')
  exec 3>&-
  [ "$answer" = 01000100 ]
}

# Whole numbers as 4 bytes, the lowest first.
int32() {
  local number
  for number in "$@"; do
    # shellcheck disable=SC2059
    printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24 & 255)))"
  done
}

settings() {
  setting RSERVE_URL rserve://127.0.0.1:6311
  setting RSERVE_SECURED_URL rserve://127.0.0.1:6312
  setting RSERVE_USER "$login"
  setting RSERVE_PASSWORD "$(cat "$secret_file")"
}
