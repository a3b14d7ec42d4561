-- expect: `coroutine` is not there
return coroutine.wrap(function() end)
