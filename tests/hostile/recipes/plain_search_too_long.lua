-- expect: string.find: expected a shorter text or pattern
local text = ("a"):rep(1000000)
return text:find(text:sub(1, 500000) .. "b", 1, true)
