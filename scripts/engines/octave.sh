# Octave. It draws pictures without a screen through gnuplot and Ghostscript, with the font that it looks for.
packages=(octave gnuplot-nox ghostscript fonts-freefont-otf)

prove() {
  octave-cli --quiet --no-init-file --eval 'printf("Octave %s\n", version())' 2>/dev/null
}

settings() { setting STEPCAST_TEST_OCTAVE "$(command -v octave-cli)"; }
