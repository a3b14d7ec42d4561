-- expect: `collectgarbage` is not there
return collectgarbage("count")
