#!/bin/sh
# Prints the greeting that is in the package.
cat /usr/share/tiny-data/greeting
