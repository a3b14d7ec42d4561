-- expect: bytes of text, got more
return require("cloudbuild").recipe { run = function()
  local text, list = ("x"):rep(1000000), {}
  for i = 1, 10 do list[i] = text end
  return list
end }
