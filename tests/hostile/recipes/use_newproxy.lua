-- expect: `newproxy` is not defined
return newproxy(true)
