-- expect: string.rep: expected a result of at most
return ("x"):rep(1e9)
