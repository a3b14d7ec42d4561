-- expect: `table.move` is not there
return table.move({}, 1, 1e15, 2)
