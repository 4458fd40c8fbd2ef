# Configuration of signalbox, complete: every attribute is here with its default
# and what it means. What is commented out is optional. As it stands, it runs:
#
#   signalbox check --config config.hcl
#   signalbox run   --config config.hcl
#
# Texts may be computed by four functions and nothing else:
#
#   env("NAME")         an environment variable
#   file("path")        the text of a small file, without white space round it
#   duration("1d12h")   checks a duration; attributes also take "1d12h" alone
#   bytes("512MiB")     a number of bytes: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB
#
# Secrets come from env() or file() only, and are never printed. Relative paths
# start at the folder of this file.


# ---------------------------------------------------------------- the process

# Address of the shared listener: push endpoints, our JWKS at /jwks.json, by which
# receivers check what we sign, /healthz and /readyz.
# It speaks plain HTTP unless the tls block is given; put that or a proxy that ends
# TLS before anybody outside of this machine pushes here. Headers must be there within 5 s, a request
# within 30 s; a connection that rests ends after 2 min, one that has sent nothing
# after 5 s. At 1024 connections further ones wait until one ends.
listen = "127.0.0.1:8086"

# TLS 1.2 or later on the shared listener. The files are read again when they change;
# a pair that does not fit leaves the one before in use.
# tls {
#   cert_file = "cert.pem"   # with its chain
#   key_file  = "key.pem"
#   # self_signed = true     # instead: a pair for localhost in data_dir/tls, for trying out
# }

# Folder of the journal, the state, our signing keys and the api socket.
data_dir = "data"

# Name of this process in documents. Without it, the host's name.
# node = "signalbox-1"

# How long a token is remembered so that a repeat is told from a new one.
seen_for = "30d"

# Figures for Prometheus at /metrics, on an address of their own. Without the block they are
# not served.
metrics {
  listen = "127.0.0.1:8087"
}

# Spans of the line for OpenTelemetry, sent by OTLP over HTTP (JSON form). Without the block
# nothing is traced. Documents of what was traced have its trace.id. Nothing waits for the
# collector: what it does not take is dropped and counted.
# traces {
#   endpoint = "http://127.0.0.1:4318"   # base URL; /v1/traces is added
#   sample   = 0.01                      # share of batches that are traced
#
#   # Value of the Authorization header, where the collector asks for one.
#   # authorization = env("OTLP_AUTHORIZATION")
# }


# ------------------------------------------------------------ whom we believe

# One block per issuer, whose URL is the iss of its tokens. Nothing of an issuer
# without a block is accepted.
issuer "https://idp.example.com" {
  # Its key set: a URL, fetched when the first token needs it, or a file.
  jwks = "https://idp.example.com/jwks.json"
  # jwks_file = "idp.jwks.json"
  # ca_file   = "ca.pem"   # certificates to trust at jwks instead of the system's
  # allow_private = false  # the host name in jwks may lead outside the public internet; an
  #                        # IP address or localhost written there may anyway

  # What it calls us in aud. A token for nobody we know is refused.
  audience = ["https://siem.example.com"]

  # Rule set its tokens are held to: "ssf" (RFC 8417 and SSF 1.0, strictly);
  # "interop" (as ssf, under the CAEP interoperability profile: RS256 only, one
  # event, with a reason); "scim" (as ssf, with several SCIM events of one
  # transaction in a token, RFC 9967); "okta" (Okta's dialect: several events,
  # each with its subject inside); or "legacy" (as ssf, with the known deviations
  # of older transmitters tolerated and recorded).
  rules = "ssf"

  # Signature algorithms it may use, of those the rule set accepts, and the
  # smallest RSA key.
  algorithms   = ["RS256", "PS256", "ES256", "EdDSA"]
  min_rsa_bits = 2048

  # How far iat may lie ahead of our clock.
  max_skew = "5m"

  # An event older than this when it arrives is marked stale: it is recorded, but
  # nothing is done because of it without a person. "0s" means never.
  max_age = "24h"

  # What was agreed with the issuer beyond the standards: subject members that
  # must be understood or the event is discarded, further subject formats,
  # further credential types.
  critical_members = []
  formats          = []
  credential_types = []

  # What its signals may cause. Without the block, nothing: they are recorded
  # and indexed only.
  remit {
    # Events: names, families such as "caep:*", concepts such as
    # "concept:phishing", or "*".
    events = ["caep:*", "credential-compromise", "account-disabled"]

    # About whom: format:value with * for anything, or "*" for everybody. Every
    # identifier given for somebody must be covered; a device, even beside a
    # user, where the event says something of the device; and a new identifier.
    subjects = ["*"]

    # Action types, or "*".
    actions = ["*"]

    # May it teach that two identifiers belong to one person or device: "none",
    # or "own-subjects", those its own remit covers.
    links = "own-subjects"
  }
}

# A provider that was built for Okta.
# issuer "https://edr.example.com" {
#   jwks     = "https://edr.example.com/jwks.json"
#   audience = ["https://siem.example.com"]   # what it has for the URL of the org
#   rules    = "okta"
# }


# ------------------------------------------------------------- what comes in

# SETs pushed to us (RFC 8935) by the transmitter of one issuer.
# source "ssf" "idp" {
#   issuer = "https://idp.example.com"
#   push {
#     # Where, on the shared listener. Default: /ssf/<name>/push.
#     path = "/ssf/idp/push"
#
#     # The Authorization header it must send; a value without a scheme is a
#     # bearer token. Or anonymous = true: then the signature of a SET is all that
#     # stands behind it.
#     authorization = env("IDP_PUSH_SECRET")
#
#     # Bounds: longest body, requests at a time, time for a body, and requests
#     # per second over time and at once (no limit without rate).
#     max_bytes     = bytes("64KiB")
#     max_in_flight = 1024
#     read_timeout  = "10s"
#     # rate  = 200
#     # burst = 200
#   }
# }

# A stream of our own at a transmitter, which is made there, kept as it stands here,
# and asked now and then whether it is alive. docs/connect/transmitter.md goes
# through it step by step.
# source "ssf" "stream" {
#   issuer      = "https://idp.example.com"
#   transmitter = "https://idp.example.com"   # the issuer's URL once more: discovery starts there
#   # well_known = "risc-configuration"        # of old transmitters: also sse-configuration
#
#   # Who we are there: a token got by client credentials, or the value of an
#   # Authorization header in its place, or a certificate, with either or alone.
#   oauth {
#     token_url     = "https://idp.example.com/oauth2/token"
#     client_id     = "signalbox"
#     client_secret = env("IDP_CLIENT_SECRET")
#     method        = "client_secret_basic"   # client_secret_post, or private_key_jwt
#     # private_key = "client.pem"             # of private_key_jwt: PKCS #8, for its owner only
#     # key_id      = "2026-11"                # kid of assertions; the thumbprint of the key
#     # audience    = "https://idp.example.com"   # aud of assertions; token_url
#
#     # Without scopes, those the transmitter's resource metadata tells, else these.
#     scopes = ["ssf.manage", "ssf.read"]
#   }
#   # authorization = env("IDP_TOKEN")
#   # client_cert   = "client.pem"
#   # client_key    = "client.pem"
#   # ca_file       = "ca.pem"   # trusted instead of the system's certificates
#   # allow_private = true       # permit addresses that are not of the public internet
#   timeout = "20s"              # for one call
#
#   stream {
#     # Names or URIs of events; without them, those of CAEP and RISC.
#     events       = ["session-revoked", "credential-change"]
#     description  = "signalbox stream"
#     verify_every = "5m"   # how often the transmitter is to show that it is there
#
#     # Subjects to add; without them all are taken to be in the stream.
#     # subjects = ["email:jane@example.com"]
#
#     # Use this stream, not one of our own; and leave it as it is.
#     # id    = "stream-17"
#     # as_is = true
#   }
#
#   # Fetch by poll (RFC 8936), which is what is done without a push block. With
#   # a push block in its place, give it endpoint_url: the endpoint as the
#   # transmitter reaches it.
#   poll {
#     max_events = 100
#     wait       = "1m"    # how long the transmitter may hold an answer back
#     short      = false   # ask for answers at once, one per interval
#     interval   = "10s"   # longest pause while nothing is there
#     max_bytes  = bytes("4MiB")
#   }
# }

# SETs of providers that were built to push to an Okta org: they push here, with
# nothing changed on their side but the address. Their issuer blocks need
# rules = "okta". As at Okta, the signature alone says who sends.
# source "okta" "providers" {
#   # iss of the providers, all of which push to one path.
#   issuers = ["https://edr.example.com"]
#
#   # Where, on the shared listener; this is Okta's own.
#   path = "/security/api/v1/security-events"
#
#   # Bounds, as above; with a rate, answers tell what is left of it, as Okta's do.
#   max_bytes     = bytes("64KiB")
#   max_in_flight = 1024
#   read_timeout  = "10s"
#   # rate  = 200
#   # burst = 200
# }

# Records of Kafka topics, read as a member of a consumer group: what a mapping
# reads, believed because of the channel, or SETs, verified as if they had been
# pushed. How far a partition was brought is written with the outcome; the
# position committed at the broker follows it and never goes back.
# source "kafka" "edr" {
#   # Some of the brokers; the others are learned from them. To brokers that are
#   # not on this machine TLS is required, or allow_plaintext = true.
#   brokers   = ["kafka-1.example.com:9093", "kafka-2.example.com:9093"]
#   group     = "signalbox"           # consumer group; stays the same from start to start
#   client_id = "signalbox"           # how the brokers call us in logs and quotas
#   allow_plaintext = false
#
#   tls {
#     # ca_file     = "ca.pem"        # certificates to trust instead of the system's
#     # cert_file   = "client.pem"    # what we show a broker that asks who connects
#     # key_file    = "client.key"
#     # server_name = "kafka"         # the name in the brokers' certificates, if it is another
#   }
#   sasl {
#     mechanism = "SCRAM-SHA-512"     # or SCRAM-SHA-256, PLAIN, OAUTHBEARER
#     username  = "signalbox"
#     password  = env("KAFKA_PASSWORD")
#     # OAUTHBEARER: a token, or where to get one by client credentials.
#     # token         = env("KAFKA_TOKEN")
#     # token_url     = "https://login.example.com/oauth2/token"
#     # client_id     = "signalbox"
#     # client_secret = env("KAFKA_CLIENT_SECRET")
#     # scope         = "kafka"
#     # allow_private = false         # permit a token_url outside the public internet
#   }
#
#   # Topics, and how their records are read: by a mapping, or as signed tokens.
#   # With pattern = true the name is a regular expression (RE2) of whole names; a
#   # topic named in full goes before patterns. A header content-type is heeded,
#   # and signalbox-txn is the transaction of what a mapping reads.
#   topic "crowdstrike.alerts" {
#     mapping = "crowdstrike"         # or a mapping of your own
#     verify  = "channel"             # what there is with a mapping
#   }
#   topic "sets\\..*" {
#     pattern = true
#     verify  = "set"
#   }
#
#   # Where a partition begins that the group never read: "earliest", which reads
#   # what is there already, or "latest".
#   start = "earliest"
#
#   # Records that are refused also go to this topic, as they were, with headers
#   # that say from where they came and why. They are in the journal and in the
#   # quarantine anyway: once the cause is mended, try them again from there.
#   # dead_letter = "signalbox.refused"
#
#   max_bytes = bytes("1MiB")         # fetched at once of a partition; a longer record comes alone
#
#   # When an event of a record is too old to act on its own, and what records may
#   # cause, as in the block of an issuer; without it, nothing.
#   # max_age = "24h"
#   remit {
#     events   = ["alert"]
#     subjects = ["email:*@example.com", "opaque:*"]
#     actions  = ["revoke-session"]
#     links    = "own-subjects"
#   }
# }

# SETs as lines of files: for trying things out and for importing what was kept.
# source "file" "import" {
#   path      = "in/*.jwt"        # read in the order of names
#   follow    = false             # wait for more lines and files,
#   # every   = "500ms"           # and how often to look for them
#   max_bytes = bytes("256KiB")   # longest line
# }

# Records of another product, as JSON lines. The channel vouches for them, not a
# signature: who can write the files can say what the remit permits.
# source "file" "alerts" {
#   path    = "in/*.jsonl"
#   mapping = "crowdstrike"       # which reads them; signalbox mappings list
#
#   # As in an issuer: what the records may cause. Without it, nothing: they are
#   # recorded and indexed only.
#   remit {
#     events   = ["alert"]
#     subjects = ["email:*@example.com"]
#     actions  = ["restrict-access"]
#     links    = "none"
#   }
#
#   # An event older than this when it arrives is marked stale, and nothing is done
#   # because of it without a person. Without it, never.
#   # max_age = "24h"
# }

# How records of other products are read: docs/mappings.md.
mappings {
  # Use the mappings that come with the program.
  shipped = true

  # Folder of own mappings beside them; one of a name that is shipped replaces it.
  # dir = "mappings"
}


# -------------------------------------------------------------- what is decided

policies {
  # Use the rules that come with the program.
  shipped = true

  # Folder of own rules beside them.
  # dir = "policies"

  # Per rule: switch it off, lower its mode (enforce, approve, shadow; the rule's
  # own mode is the highest it can have), or limit its actions, counted for each
  # issuer; over the limit they wait for approval.
  # rule "threat_alert" {
  #   enabled = true
  #   mode    = "shadow"
  #   limit {
  #     actions = 50
  #     per     = "10m"
  #   }
  # }
}

# Subjects nothing is done to without a person, whatever rules say. Any number
# of blocks.
# protect {
#   subjects = ["email:breakglass@example.com", "email:svc-*@example.com"]
#   reason   = "break-glass and service accounts"
# }

# Bounds over all rules together.
guards {
  # This many equal actions for one subject that one issuer causes within one
  # transaction are taken for a loop of systems that answer each other.
  max_depth = 3

  # Over this limit actions wait for approval. Where several issuers may cause
  # actions, half of it is the most for one of them.
  limit {
    actions = 600
    per     = "1m"
  }
}


# ---------------------------------------------------------------- what is done

# An action type is what a rule asks for by name; here is what it means. Twelve
# come with the program:
#
#   revoke-session credential-compromise disable-account enable-account
#   require-credential-change raise-risk lower-risk restrict-access
#   restore-access device-noncompliant step-up notify
#
# A block for one of them changes what it mentions. Without "to" and without "do"
# an action is recorded as proposed and goes nowhere.
action "revoke-session" {
  # Equal actions for one subject within this time are one. "0s" merges nothing.
  merge = "10m"

  # What could not be handed over in this time is not sent any more.
  valid_for = "24h"

  # Action type that takes this one back.
  # reversible_by = "..."

  # A step: the event to send, and the sinks that get it. The body is its payload,
  # a template over
  #
  #   action.id action.type action.rule action.severity action.reason
  #   action.subject                   whom it is about, as email:jane@example.com
  #   action.with.<member>             what the rule gave beside that, or null
  #   subject.format subject.<member>  the subject identifier: email, iss, sub, id,
  #                                    uri, phone_number, url; of a complex one
  #                                    subject.user.email, subject.session.id, ...
  #   user.id user.email user.name     what is known of the user it is about
  #   user.sub["<issuer>"]             and what that issuer calls the user
  #   device.id device.name session.id likewise
  #   event.id event.type event.issuer event.source event.txn event.time now
  #
  # by upper(), lower(), coalesce() (the first that is not null) and try() (the
  # first that is there). A member of the payload that comes to null is left out;
  # a member of subject, user, device or session that is not there is an error,
  # and the action is suppressed. Shipped types have a body already; this is the
  # shipped one.
  emit "session-revoked" {
    to = ["signals"]
    body = {
      event_timestamp   = now
      initiating_entity = "policy"
      reason_admin      = { en = "${action.reason}" }
    }
  }
}

action "disable-account" {
  # A step before it: call what a sink stands for, an identity provider, a vault, a
  # ticket system. Several are made one after the other. A fact goes out once the
  # calls written before it were taken; if one ends dead or expired, what stands
  # behind it never goes out. The sink is of the kind "http", or "file" to see what
  # would be asked.
  # do "signals" {
  #   # GET, POST, PUT, PATCH or DELETE; without it, the sink's own.
  #   method = "POST"
  #
  #   # Appended to the sink's URL; without it, that URL itself. A value filled in
  #   # stays within its path segment or query value, whatever it holds; an empty
  #   # one, and one with dot segments in the path, is an error.
  #   path = "/api/v1/users/${try(user.sub["https://idp.example.com"], subject.email)}/lifecycle/suspend"
  #
  #   # Sent as JSON; a template as above. Without it, nothing is sent.
  #   body = { reason = action.reason }
  # }
  emit "account-disabled" { to = ["signals"] }
}

action "enable-account" {
  # do "signals" {
  #   method = "POST"
  #   path   = "/api/v1/users/${try(user.sub["https://idp.example.com"], subject.email)}/lifecycle/unsuspend"
  # }
  emit "account-enabled" { to = ["signals"] }
}

action "require-credential-change" {
  emit "account-credential-change-required" { to = ["signals"] }
}

action "credential-compromise" {
  emit "credential-compromise" { to = ["signals"] }
}

action "raise-risk" {
  emit "risk-level-change" { to = ["signals"] }
}

action "lower-risk" {
  emit "risk-level-change" { to = ["signals"] }
}

action "restrict-access" {
  emit "token-claims-change" { to = ["signals"] }
}

action "restore-access" {
  emit "token-claims-change" { to = ["signals"] }
}

action "device-noncompliant" {
  emit "device-compliance-change" { to = ["signals"] }
}

# A word to people. A do without a body sends text (the reason), subject, severity,
# rule, action, event and time.
action "notify" {
  do "signals" {}
}


# -------------------------------------------------------------- where it goes

# Actions as JSON lines.
sink "file" "signals" {
  path = "data/signals.jsonl"

  # An event tells what has happened and commands nothing. With true, whoever
  # reads the file has agreed to take our word for the change itself: that a
  # session is over, an account disabled. Without, check warns of such facts.
  authority = true
}

# New signed SETs, pushed to a receiver (RFC 8935).
# sink "ssf" "downstream" {
#   issuer    = "https://signals.example.com"   # iss: how the receiver knows us
#   audience  = ["https://app.example.com"]     # aud: how it expects to be named
#   algorithm = "ES256"                         # or "RS256", all that receivers of the CAEP profile need take
#
#   authority = false                           # as above
#
#   push {
#     endpoint      = "https://app.example.com/events"
#     authorization = env("DOWNSTREAM_SECRET")  # sent as it stands
#     allow_private = false                     # permit addresses outside the public internet
#     # ca_file     = "ca.pem"                  # certificates to trust instead of the system's
#     # client_cert = "client.pem"              # mutual TLS: what we show a receiver that asks,
#     # client_key  = "client.key"              # as PEM files
#     timeout       = "15s"                     # for one push
#     max_in_flight = 8                         # pushes at a time
#   }
# }

# New signed SETs to receivers that manage their streams themselves (SSF 1.0):
# metadata at /.well-known/ssf-configuration, and configuration, status, subjects,
# verification and polling below /ssf/ and the name of the sink. A receiver sees
# its own streams and nothing else.
# sink "ssf" "receivers" {
#   issuer = "https://signals.example.com"      # issuer, algorithm and authority as above
#   # url  = "https://signals.example.com"      # where receivers reach us, if not at the issuer's host
#
#   # Whose access tokens (JWT, RFC 9068) receivers with a client_id show.
#   # authorization_server {
#   #   issuer        = "https://login.example.com"
#   #   jwks          = "https://login.example.com/jwks.json"
#   #   audience      = ["https://signals.example.com"]
#   #   allow_private = false
#   #   ca_file       = "ca.pem"
#   #   max_lifetime  = "1h"                    # longest from nbf, or iat, to exp; what lives longer is refused
#   # }
#
#   receiver "app" {
#     audience = ["https://app.example.com"]    # aud of all its SETs
#     token    = env("APP_TOKEN")               # bearer token by which it calls us,
#     # token_sha256 = ["2bb8..."]              # or SHA-256 digests of such tokens, in hex
#     # client_id = "app"                       # or an OAuth 2.0 client whose access tokens it shows
#     scopes   = ["ssf.manage"]                 # or ssf.read, or narrower: ssf.manage.poll
#
#     # What it may be told of, and whom; without, all CAEP and RISC events.
#     # events   = ["session-revoked", "credential-change"]
#     # subjects = ["email:*@example.com"]
#
#     max_streams   = 4                         # of its own making
#     allow_private = false                     # it may name push endpoints outside the public internet
#     # ca_file     = "ca.pem"                  # certificates to trust there instead of the system's
#
#     # A stream it need not create, and cannot change: app.main. With poll {}
#     # instead of push, it comes for its SETs.
#     # stream "main" {
#     #   events      = ["session-revoked"]
#     #   description = "sessions"
#     #   push {
#     #     endpoint = "https://app.example.com/events" # and the rest as above
#     #   }
#     # }
#   }
#
#   default_subjects          = "ALL"           # or "NONE": nothing until a receiver adds subjects
#   min_verification_interval = "10s"           # between a stream's requests for verification
#   # inactivity_timeout      = "720h"          # without a call or a poll a stream is paused
#   # on_inactivity           = "pause"         # or "disable"
#   dead_after                = "15m"           # people are told when a SET waits so long
#
#   bounds {
#     max_subjects = 10000                      # of one stream
#     max_queue    = 10000                      # SETs that wait for one stream; further ones are dead letters
#     max_bytes    = bytes("64KiB")             # of a request
#     max_polls    = 256                        # polls that wait at a time
#     poll_wait    = "30s"                      # longest
#     redeliver    = "1m"                       # what was polled and not acknowledged is offered again
#   }
# }

# New signed SETs in Okta's dialect, to an Okta org where we are registered as a
# security events provider, with our JWKS and this issuer. Okta takes
# session-revoked, device-compliance-change, identifier-changed, ip-change,
# user-risk-change and device-risk-change, and risk-level-change as one of the
# last two. A body leaves the subject out: it is written into the event.
# sink "okta" "org" {
#   org       = "https://example.okta.com"      # where to, and aud; not the admin console
#   issuer    = "https://signals.example.com"   # iss: as registered with Okta
#   authority = false                           # as above
#
#   # Okta has no name for one session. With true, what an action says of one is
#   # stated of its user, and so of all their sessions; without, it is not sent.
#   whole_user = false
#
#   allow_private = false                       # permit addresses outside the public internet
#   # ca_file     = "ca.pem"                    # certificates to trust instead of the system's
#   timeout       = "15s"                       # for one push
#   max_in_flight = 4                           # pushes at a time
# }

# New signed SETs as records of a Kafka topic: the compact token as value, the
# subject as key, so that what is about one subject keeps its order. Headers:
# content-type, signalbox-event (URI), signalbox-jti, signalbox-txn and
# signalbox-chain (id of the input it goes back to).
# sink "kafka" "actions" {
#   brokers   = ["kafka-1.example.com:9093"]    # brokers, client_id, allow_plaintext, tls and sasl
#   # client_id       = "signalbox"             # as for source "kafka"
#   # allow_plaintext = false
#   tls {}
#   topic     = "signalbox.actions"
#   issuer    = "https://signals.example.com"   # iss: how readers know us
#   audience  = ["https://app.example.com"]     # aud: how they expect to be named
#   algorithm = "ES256"                         # or "RS256", where they take nothing else
#   authority = false                           # as above
#   timeout   = "15s"                           # for one record
# }

# Accepted SETs as they came, for other processes: the compact token of the
# issuer as value, which is verified again by whoever reads it, with key and
# headers as above. So a tier that takes pushes can feed workers that decide. A
# relay begins with what comes after its first start, and nothing waits for it.
# relay "kafka" "workers" {
#   brokers = ["kafka-1.example.com:9093"]      # brokers, client_id, allow_plaintext, tls and sasl
#   # client_id       = "signalbox"             # as for source "kafka"
#   # allow_plaintext = false
#   tls {}
#   topic   = "signalbox.sets"
#   timeout = "15s"                             # for one record
# }

# Calls of an actuator (an identity provider's API, a vault, a ticket system) or
# a notifier (a chat, a pager). An action calls it by its steps; notices go to it
# by a notify block. An action that emits an event to it is posted whole, as one
# JSON object.
# sink "http" "directory" {
#   # https, or http to this machine. The paths of actions are appended. With many
#   # chats the URL is the credential: then write url = env("CHAT_URL").
#   url    = "https://directory.example.com/api/v1"
#   method = "POST"                             # of what names none
#
#   authorization  = env("DIRECTORY_AUTHORIZATION") # sent as it stands
#   headers        = { "X-Team" = "soc" }
#   secret_headers = { "X-Api-Key" = env("DIRECTORY_KEY") }
#
#   # Carries the id of the delivery, the same at every try. "" sends none.
#   idempotency_header = "Idempotency-Key"
#
#   # What a status means. Without success, all of 2xx. What stands in already was
#   # so before: a 404 of a session that is to end. What stands in refused is
#   # never tried again; 400, 409, 410, 413, 422 and most of 4xx are not anyway.
#   # 401, 403, 404, 405, redirects and the like wait until somebody has put the
#   # sink in order; 408, 425, 429 and 5xx are tried again.
#   # success = [200, 204]
#   # already = [404, 409]
#   # refused = [404]
#
#   authority     = false                       # as above
#   allow_private = false                       # permit addresses outside the public internet
#   # ca_file     = "ca.pem"                    # certificates to trust instead of the system's
#   # client_cert = "client.pem"                # mutual TLS: what we show a peer that asks,
#   # client_key  = "client.key"                # as PEM files
#   timeout       = "15s"                       # for one request
#   max_in_flight = 8                           # requests at a time
#   max_bytes     = bytes("64KiB")              # read of an answer
# }


# ------------------------------------------------------------- whom to tell

# Tells people of what needs them, by the sink of that name, of kind "http". The
# journal is read for it, so a restart loses nothing; a notifier that is down
# holds nothing up. What cannot be told is in the log, the index and the metrics.
# notify "directory" {
#   # What to tell: "approval-waiting" (an action waits for a person),
#   # "brake-tripped" (a limit, the loop guard or a full queue began to hold
#   # actions), "dead-letter" (an action was refused for good, or its time ran
#   # out), "stream-dead" (a source fell silent, or the receiver of a stream takes
#   # nothing), "rule-failing" (a rule cannot be evaluated), "actions-stopped"
#   # (somebody turned the stop switch on), "budget-filling" (the disk, the journal
#   # or the queue of a sink is used up by 70, 90 or 100 %).
#   on = ["approval-waiting", "brake-tripped", "dead-letter", "stream-dead"]
#
#   # Only of these rules; then nothing is told that is of no rule. And nothing
#   # milder than this: low, medium, high, critical. Without, all is told.
#   # rules    = ["threat_alert"]
#   # severity = "high"
#
#   # Notices of a kind are gathered by rule, sink and the like: the first waits
#   # this long for more, and then the group is quiet for this long. However many
#   # actions wait, one notice speaks of them ("and 9,999 more").
#   gather = "5s"
#   every  = "10m"
#
#   # Body of the request, from notice.kind, severity, summary, text (summary and
#   # how many more), detail, count, action, type, rule, subject, target, command
#   # (what to type next), first and last. Without it, one member "text", as the
#   # incoming webhooks of chats take it.
#   # body = {
#   #   summary  = notice.text
#   #   severity = notice.severity
#   #   dedup    = "${notice.kind} ${notice.rule}"
#   # }
# }


# -------------------------------------------------------------- what is kept

# Where everything is searched: signalbox query, signalbox timeline. One file
# per day.
index "sqlite" "local" {
  # Folder, under data_dir. Without it, index/<name>.
  # dir = "index/local"

  # Age at which documents go, by whole days.
  keep = "30d"
}

# A cluster in its place, or beside it: documents go to the data streams
# logs-ssf.*-<namespace>. Before the first: signalbox index setup. The first
# index is the one that signalbox query asks. docs/elasticsearch.md says more.
#
# index "elasticsearch" "soc" {
#   addresses = ["https://es-1.example.com:9200", "https://es-2.example.com:9200"]
#   # Or a deployment in Elastic's cloud.
#   # cloud_id = "soc:ZXUtd2VzdC0xLmF3cy5mb3VuZC5pbyRhYmNkJGVmZ2g="
#
#   # Or username and password.
#   api_key = env("ES_API_KEY")
#
#   # Whom to trust, instead of the system's authorities: theirs, or the
#   # SHA-256 of one certificate, which a server prints at its first start.
#   ca_file = "es-ca.pem"
#   # fingerprint = "64 hexadecimal digits"
#
#   namespace = "default"
#   compress  = false   # requests: for networks slower than a processor
#   in_flight = 2       # most bulk requests at once
#   max_bytes = 5242880 # most bytes of one; how many is found out
#   timeout   = "30s"
#
#   # What index setup makes of it. An index is rolled over when it is this old
#   # or large, and deleted so long after.
#   lifecycle {
#     rollover_age  = "30d"
#     rollover_size = "50gb"
#     keep          = "365d" # signals and alerts
#     keep_decided  = "730d" # decisions, actions, audit
#     keep_errors   = "30d"
#     # Or one that is there already, for all streams.
#     # policy = "logs"
#   }
# }

# The journal is the truth; the index can be rebuilt from it.
journal {
  # Age at which a record goes.
  keep = "30d"

  # Above this many bytes the oldest records go, but none that an index has not
  # taken. When those alone fill it, or the disk has less than min_free left,
  # intake answers "not now"; pending actions go on. It is told when 70 and 90 %
  # are used up.
  max_size = bytes("20GiB")
  min_free = bytes("1GiB")
}

# Refused messages of senders that showed who they are stay for another try, once
# a key, an audience or a rule set was put right: signalbox quarantine. Strangers'
# do not. What was there longest makes room, and is counted.
quarantine {
  max_entries = 1000             # messages of one source
  max_bytes   = bytes("64MiB")   # of all messages together
}

# Bounds of messages, and of the work in hand.
limits {
  max_bytes   = bytes("64KiB") # of one token
  max_batch   = 1000           # messages in one transaction
  max_pending = 100000         # actions waiting for one sink; further ones are held
  max_waiting = 10000          # actions waiting for a person, half of them of one issuer; further ones are given up

  # Connections open at a time, of each listener, and of them from one address (one
  # IPv4 address, or one /64 of IPv6). Further ones are refused. Behind a proxy or a
  # load balancer all come from its address: give both the same number, and bound
  # clients there.
  max_connections             = 1024
  max_connections_per_address = 256
}
