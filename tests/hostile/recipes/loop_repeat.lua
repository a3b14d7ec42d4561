-- expect: does not end
repeat until false
