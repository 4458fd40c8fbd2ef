package document

import "strings"

// category is how the Elastic Common Schema files a document. Lists are JSON.
type category struct {
	kind     string
	category string
	types    string
	outcome  string
	severity int64
}

// The severities.
const (
	informational = 10
	low           = 21
	medium        = 47
	high          = 73
	critical      = 99
)

// The kinds. A stock rule of Kibana turns every alert into one of its own, so
// only what a source asserts to be a detection is one.
const (
	isEvent = "event"
	isAlert = "alert"
	isError = "pipeline_error"
)

const (
	success = "success"
	failure = "failure"
	unknown = "unknown"
)

// categories files events by name; file refines what depends on the payload.
var categories = map[string]category{
	"session-revoked":     {isEvent, `["session"]`, `["end"]`, success, low},
	"sessions-revoked":    {isEvent, `["session"]`, `["end"]`, success, low},
	"session-established": {isEvent, `["session","authentication"]`, `["start"]`, success, informational},
	"session-presented":   {isEvent, `["session"]`, `["info"]`, success, informational},
	"ip-change":           {isEvent, `["session"]`, `["info"]`, unknown, low},

	"token-claims-change":      {isEvent, `["iam"]`, `["user","change"]`, success, informational},
	"credential-change":        {isEvent, `["iam"]`, `["user","change"]`, success, low},
	"assurance-level-change":   {isEvent, `["authentication","iam"]`, `["info","change"]`, success, low},
	"device-compliance-change": {isEvent, `["host","configuration"]`, `["change"]`, unknown, low},
	"risk-level-change":        {isEvent, `["configuration"]`, `["info","change"]`, success, low},
	"user-risk-change":         {isEvent, `["iam"]`, `["info","change"]`, success, low},
	"device-risk-change":       {isEvent, `["host"]`, `["info","change"]`, success, low},

	"account-credential-change-required": {isEvent, `["iam"]`, `["user","info"]`, unknown, medium},
	"account-purged":                     {isEvent, `["iam"]`, `["user","deletion"]`, success, medium},
	"account-disabled":                   {isEvent, `["iam"]`, `["user","change"]`, success, medium},
	"account-enabled":                    {isEvent, `["iam"]`, `["user","change"]`, success, low},
	"identifier-changed":                 {isEvent, `["iam"]`, `["user","change"]`, success, low},
	"identifier-recycled":                {isEvent, `["iam"]`, `["user","info"]`, success, medium},
	"credential-compromise":              {isAlert, `["iam","intrusion_detection"]`, `["user","info"]`, unknown, high},
	"opt-in":                             {isEvent, `["iam"]`, `["user","change"]`, success, informational},
	"opt-out-initiated":                  {isEvent, `["iam"]`, `["user","change"]`, success, informational},
	"opt-out-cancelled":                  {isEvent, `["iam"]`, `["user","change"]`, success, informational},
	"opt-out-effective":                  {isEvent, `["iam"]`, `["user","change"]`, success, informational},
	"recovery-activated":                 {isEvent, `["iam"]`, `["user","info"]`, success, medium},
	"recovery-information-changed":       {isEvent, `["iam"]`, `["user","change"]`, success, medium},

	"verification":   {isEvent, `["configuration"]`, `["info"]`, success, informational},
	"stream-updated": {isEvent, `["configuration"]`, `["change"]`, success, informational},

	"alert":              {isAlert, `["intrusion_detection"]`, `["info"]`, unknown, medium},
	"posture":            {isEvent, `["host","configuration"]`, `["info"]`, success, informational},
	"activity":           {isEvent, `["iam"]`, `["info"]`, unknown, informational},
	"timer":              {isEvent, `["configuration"]`, `["info"]`, success, informational},
	"approval":           {isEvent, `["iam"]`, `["admin","info"]`, success, low},
	"operator-command":   {isEvent, `["configuration"]`, `["change"]`, success, low},
	"feed-health":        {isEvent, `["configuration"]`, `["info"]`, unknown, medium},
	"device-lost":        {isEvent, `["host"]`, `["info"]`, unknown, high},
	"identity-proofed":   {isEvent, `["iam","authentication"]`, `["user","info"]`, success, informational},
	"employment-change":  {isEvent, `["iam"]`, `["user","change"]`, success, low},
	"access-request":     {isEvent, `["iam"]`, `["user","info"]`, unknown, informational},
	"access-grant":       {isEvent, `["iam"]`, `["user","change"]`, success, low},
	"checkout":           {isEvent, `["iam"]`, `["admin","info"]`, success, low},
	"privileged-session": {isEvent, `["session","iam"]`, `["admin","info"]`, unknown, low},
	"breach-exposure":    {isAlert, `["iam","intrusion_detection"]`, `["user","info"]`, unknown, high},
}

// The documents that are not events.
var (
	refused      = category{isEvent, `["api","intrusion_detection"]`, `["denied"]`, failure, low}
	setAside     = category{isEvent, `["api"]`, `["info"]`, success, informational}
	reuse        = category{isEvent, `["api","intrusion_detection"]`, `["info"]`, failure, medium}
	unreadable   = category{isError, "", `["error"]`, failure, low}
	uncatalogued = category{isEvent, `["iam"]`, `["info"]`, unknown, informational}
)

// file gives an event its category.
func file(name string, p *payload) category {
	c, ok := categories[name]
	if !ok {
		c = uncatalogued
		if strings.HasPrefix(name, "prov:") || strings.HasPrefix(name, "feed:") {
			c = category{isEvent, `["iam"]`, `["user","change"]`, success, informational}
		}
		return c
	}
	switch name {
	case "risk-level-change":
		switch p.principal {
		case "user":
			c.category = `["iam"]`
		case "device":
			c.category = `["host"]`
		case "session":
			c.category, c.types = `["session"]`, `["info"]`
		}
		c.rise(p.currentLevel)
	case "user-risk-change", "device-risk-change":
		c.rise(p.currentLevel)
	case "device-compliance-change":
		switch p.currentStatus {
		case "compliant":
			c.outcome = success
		case "not-compliant":
			c.outcome, c.severity = failure, medium
		}
	case "credential-change":
		switch p.changeType {
		case "create":
			c.types = `["user","creation"]`
		case "revoke", "delete":
			c.types = `["user","deletion"]`
		}
	case "account-disabled":
		if p.reason == "hijacking" {
			c.kind, c.severity = isAlert, high
		}
	case "alert":
		c.severity = severityOf(p.severity, c.severity)
	case "activity", "access-request":
		if p.outcome == success || p.outcome == failure {
			c.outcome = p.outcome
		}
	}
	return c
}

// rise makes an alert of a risk that is not low.
func (c *category) rise(level string) {
	switch level {
	case "medium":
		c.kind, c.outcome, c.severity = isAlert, unknown, medium
	case "high":
		c.kind, c.outcome, c.severity = isAlert, unknown, high
	}
}

// severityOf turns a word into a number.
func severityOf(word string, otherwise int64) int64 {
	switch word {
	case "informational":
		return informational
	case "low":
		return low
	case "medium":
		return medium
	case "high":
		return high
	case "critical":
		return critical
	}
	return otherwise
}
