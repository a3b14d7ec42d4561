-- expect: `getfenv` is not there
return getfenv(1)
