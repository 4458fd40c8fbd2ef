journal {
}
journal { # ERROR: second block "journal"
}
