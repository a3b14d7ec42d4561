-- expect: `os` is not there
return os.execute("id")
