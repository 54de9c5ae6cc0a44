#!/bin/sh
# Runs a Python module from the runfiles beside this file, or, as a test does, from
# the runfiles that it is in itself.  //tools:python.bzl fills in the braces.
#
# RUNFILES_DIR comes second: whoever is run by such a program may call `bazel run`.
runfiles="$0.runfiles"
[ -d "$runfiles" ] || runfiles="${RUNFILES_DIR:?is not set, and there is no $0.runfiles}"
case "$runfiles" in /*) ;; *) runfiles="$PWD/$runfiles" ;; esac
export PYTHONPATH="$runfiles/{workspace}" PYTHONSAFEPATH=1
exec "$runfiles/{venv}/bin/python" -m {module} {arguments} "$@"
