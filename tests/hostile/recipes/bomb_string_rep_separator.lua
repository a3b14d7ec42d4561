-- expect: string.rep: expected a result of at most
return string.rep("", 1e9, "xxxxxxxx")
