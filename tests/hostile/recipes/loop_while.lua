-- expect: does not end
while true do end
