action "disable-account" {
  reversible_by = "enable-acount" # ERROR: unknown action "enable-acount"
}
