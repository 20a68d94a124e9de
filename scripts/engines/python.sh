# Python with NumPy, SciPy and pandas.
packages=(python3 python3-numpy python3-scipy python3-pandas)

prove() {
  /usr/bin/python3 -c 'import sys, numpy, scipy, pandas
print(f"Python {sys.version.split()[0]}, NumPy {numpy.__version__}, SciPy {scipy.__version__}, pandas {pandas.__version__}")'
}

settings() { setting STEPCAST_TEST_PYTHON /usr/bin/python3; }
