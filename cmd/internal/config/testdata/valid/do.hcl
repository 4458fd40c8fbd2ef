# Calls, with facts behind them that nobody need take our word for.
action "disable-account" {
  do "idp" {
    method = "POST"
    path   = "/users/${try(user.sub["https://idp.example.com"], subject.sub)}/lifecycle/suspend?by=${action.rule}"
    body = {
      reason = action.reason
      email  = try(subject.email, subject.user.email, user.email)
      device = try(device.id, null)
    }
  }
  emit "account-disabled" { to = ["app"] }
}

action "enable-account" {
  do "idp" { path = "/users/${subject["sub"]}/lifecycle/unsuspend/" }
  emit "account-enabled" { to = ["app"] }
}

action "notify" {
  do "pager" {}
}

action "step-up" {
  do "idp" {
    path = "/sessions/${session.id}/step-up"
    body = {}
  }
}

sink "file" "idp" { path = "calls.jsonl" }
sink "file" "pager" { path = "pager.jsonl" }
sink "file" "app" { path = "app.jsonl" }
