-- expect: expected at most 200000 values
return require("cloudbuild").recipe { run = function()
  local row, list = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, {}
  for i = 1, 100000 do list[i] = row end
  return list
end }
