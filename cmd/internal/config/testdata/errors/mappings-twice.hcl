mappings {}
mappings {} # ERROR: second block "mappings"
