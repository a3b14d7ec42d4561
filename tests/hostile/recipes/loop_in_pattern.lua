-- expect: does not end
local text = ("a"):rep(100000)
return text:find((".-"):rep(20) .. "b")
