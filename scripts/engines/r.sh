# R, with jsonlite.
packages=(r-base-core r-cran-jsonlite)

prove() {
  Rscript -e 'library(jsonlite); cat(R.version.string, ", jsonlite ", format(packageVersion("jsonlite")), "\n", sep = "")'
}

settings() { setting STEPCAST_TEST_RSCRIPT "$(command -v Rscript)"; }
