-- expect: `print` is assigned, but it is not a local variable
print = nil
