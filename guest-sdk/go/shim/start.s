// Go takes a function without a body, such as main of another package, only beside an assembly file.
