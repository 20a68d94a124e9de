# Octave. It draws pictures without a screen through gnuplot.
packages=(octave gnuplot-nox)

prove() {
  octave-cli --quiet --no-init-file --eval 'printf("Octave %s\n", version())' 2>/dev/null
}

settings() { setting STEPCAST_TEST_OCTAVE "$(command -v octave-cli)"; }
