# bubblewrap, and prlimit of util-linux: the sandbox of LOCAL.
packages=(bubblewrap util-linux)

prove() {
  bwrap --unshare-all --die-with-parent --clearenv --ro-bind / / --proc /proc --dev /dev true
  bwrap --version
}

settings() { setting STEPCAST_TEST_BWRAP "$(command -v bwrap)"; }
