mappings {
  folder = "mappings" # ERROR: unknown attribute "folder"
}
