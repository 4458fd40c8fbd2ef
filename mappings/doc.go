// Package mappings turns records of other products (alerts, posture, activity;
// JSON from a channel) into events, by mappings written in HCL.
//
// A mapping is one file with one block. It says which records it knows, which
// events a record makes (none, one, several, over arrays), and for each event
// its time, subject, payload and further fields of its document. Everything
// wrong in a file is a diagnostic with its place. Mappings are compiled once;
// of a record only the paths that expressions name are looked at.
//
//	mapping "acme" {
//	  title    = "Acme EDR alerts"
//	  vendor   = "acme"
//	  observer = { vendor = "Acme", product = "EDR", type = "edr" }
//	  unwrap   = ["alerts", "data[]"]       # {"alerts": ...} and {"data": [...]} hold the records
//	  when     = raw.kind == "detection"    # which records it knows
//	  ecs      = { "user.name" = raw.user } # fields of all its events; those of an event go first
//
//	  enum "severity" {
//	    high   = ["high", "4"]
//	    medium = ["medium", "3"]
//	  }
//	  locals {
//	    host = lower(raw.device.name)
//	  }
//	  skip "heartbeat" { when = is(raw.type, "heartbeat") }
//	  require "it names no device" { when = has(raw.device.id) }
//
//	  event "alert" {
//	    when    = is(raw.type, "alert")
//	    time    = time(raw.detected_at)
//	    subject = complex({ user = email(raw.user), device = opaque(raw.device.id) })
//	    body    = { alert_id = raw.id, severity = enum("severity", raw.sev), title = raw.name }
//	    ecs     = { "host.name" = local.host, "process.name" = raw.process }
//	  }
//	}
//
// # Expressions
//
// The syntax is that of HCL: literals, templates, operators, conditionals, for
// (with grouping), splat, functions. The names are raw (the record), envelope.<member> (of what
// it was unwrapped from, the outermost that has the member), item and index
// (with each), meta (source, position, received, made), local.<name>, and the
// variables of for. Enums are used by enum().
// Members to unwrap are found in any case, as JSON in a text, and in each other:
// ["batch", "incidents"] takes {"batch": {"incidents": [...]}} apart.
//
// Evaluation never fails. What is missing, null, or not of the kind that a
// function takes is absent; a function of something absent is absent, a
// template with an absent part is absent, a comparison with it is false but for
// == null, a condition that is absent does not hold, and members that are
// absent are left out, as are objects and lists without any. Member names are
// looked up exactly, and if that finds nothing, in any case; raw.event.kind also
// finds a member named "event.kind". Numbers keep their digits, so integers above
// 2^53 survive.
//
// # Values that nobody foresaw
//
// An enum gives "unknown" for a value it does not list; that is counted, by
// mapping and enum, and tagged in the document. A payload member that its event
// does not permit is left out and tagged. Only a missing required member, or a
// require whose condition does not hold, makes a record unmapped: it is recorded
// whole with the reason.
//
// The package reads no files but those it is given, and no clock.
package mappings
