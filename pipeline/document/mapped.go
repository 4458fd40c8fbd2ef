package document

// lifted are the fields that only mappings fill, from the records of vendors.
// Their values follow the Elastic Common Schema.
var lifted = func() []Field {
	keyword := func(many bool, doc string, names ...string) (rows []Field) {
		for _, n := range names {
			rows = append(rows, Field{Name: n, Type: Keyword, Multi: many, Streams: Alert, Doc: doc})
		}
		return rows
	}
	of := func(t Type, many bool, doc string, names ...string) []Field {
		rows := keyword(many, doc, names...)
		for i := range rows {
			rows[i].Type = t
		}
		return rows
	}
	var all []Field
	add := func(rows []Field) {
		for _, r := range rows {
			r.Example = examples[r.Name]
			all = append(all, r)
		}
	}
	for _, rows := range [][]Field{
		// The event.
		keyword(one, "The vendor's code or type of the event.", "event.code"),
		keyword(one, "Where to look at it: in the vendor's console.", "event.url", "event.reference"),
		of(Date, one, "First and last activity.", "event.start", "event.end"),
		of(Float, one, "Risk on the vendor's scale.", "event.risk_score"),
		of(Float, one, "Risk from 0 to 100.", "event.risk_score_norm"),
		keyword(one, "Tenant or customer at the vendor.", "organization.id", "organization.name", "cloud.account.id"),
		keyword(one, "What saw it.", "observer.vendor", "observer.product", "observer.type", "observer.version"),
		keyword(one, "Level the vendor's log gives it; no threat severity.", "log.level"),
		keyword(one, "Transaction at the identity provider.", "transaction.id"),
		of(Flattened, one, "What else the vendor says that is worth keeping.", "vendor"),

		// The alert. Those of the payload are filled in for every alert.
		keyword(one, "The product's id of the alert.", "alert.id"),
		keyword(one, "The vendor's feed, such as crowdstrike.alert.", "alert.source"),
		keyword(one, "Case or incident the alert belongs to.", "alert.case_id"),
		keyword(one, "How sure the product is: low, medium, high, unknown.", "alert.confidence"),
		keyword(one, "Where its handling stands: new, in_progress, resolved, dismissed, unknown.", "alert.state"),
		keyword(one, "What its handling found: true_positive, benign_positive, false_positive, suspicious, undetermined.", "alert.verdict"),
		keyword(one, "What the product did about it: blocked, quarantined, killed, isolated, deleted, allowed, detected_only, failed, unknown.", "alert.disposition"),
		of(Date, one, "When it last changed.", "alert.updated"),
		of(Boolean, one, "It is an incident that gathers alerts.", "alert.is_incident"),
		of(Boolean, one, "It is the vendor's test.", "alert.test"),

		// Who and what.
		keyword(one, "Name of the affected user, as the vendor has it.", "user.full_name"),
		keyword(many, "Roles of the user.", "user.roles"),
		keyword(one, "Whom the user acted on.", "user.target.id", "user.target.name", "user.target.email", "user.target.domain", "user.target.full_name"),
		of(Float, one, "Risk of the user as the source states it, from 0 to 100.", "user.risk.static_score_norm"),
		of(Float, one, "Risk of the device as the source states it, from 0 to 100.", "host.risk.static_score_norm"),
		keyword(one, "The device.", "host.hostname", "host.domain", "host.type", "host.architecture"),
		of(IP, many, "Addresses of the device.", "host.ip"),
		keyword(many, "Hardware addresses of the device, as 00-00-5E-00-53-23.", "host.mac"),
		keyword(one, "Operating system of the device.", "host.os.type", "host.os.platform", "host.os.name", "host.os.full", "host.os.version"),
		keyword(one, "The device as its manager sees it.", "device.serial_number", "device.manufacturer", "device.model.name", "device.model.identifier"),
		keyword(many, "Groups.", "group.name"),
		keyword(one, "The application concerned.", "service.target.name", "service.target.id"),

		// Where from and where to.
		of(IP, one, "Address of the other side.", "destination.ip", "client.ip"),
		keyword(one, "Name of the other side.", "destination.domain", "source.domain"),
		keyword(one, "Where the source is.", "source.geo.country_iso_code", "source.geo.country_name", "source.geo.region_name", "source.geo.city_name"),
		of(Long, one, "Number of the source's network.", "source.as.number"),
		keyword(one, "Owner of the source's network.", "source.as.organization.name"),
		keyword(one, "User agent.", "user_agent.original", "user_agent.name", "user_agent.os.name", "user_agent.device.name"),
		keyword(one, "The address looked up.", "url.original", "url.full", "url.domain"),

		// What with.
		keyword(one, "The process.", "process.name", "process.executable", "process.command_line", "process.entity_id"),
		of(Long, one, "Id of the process.", "process.pid", "process.parent.pid"),
		of(Date, one, "When the process began.", "process.start", "process.end"),
		keyword(one, "Digest of the process's file.", "process.hash.md5", "process.hash.sha1", "process.hash.sha256"),
		keyword(one, "The process's parent.", "process.parent.name", "process.parent.executable", "process.parent.command_line", "process.parent.entity_id"),
		keyword(one, "Account the process ran as.", "process.user.name"),
		keyword(one, "The file.", "file.name", "file.path"),
		of(Long, one, "Bytes of the file.", "file.size"),
		keyword(one, "Digest of the file.", "file.hash.md5", "file.hash.sha1", "file.hash.sha256"),
		keyword(many, "Digests of files anywhere in the record.", "related.hash"),
		keyword(one, "The message.", "email.subject", "email.message_id"),
		keyword(many, "Addresses of the message.", "email.from.address", "email.to.address"),

		// How.
		keyword(one, "Names of the framework of tactics.", "threat.framework"),
		keyword(many, "Tactics.", "threat.tactic.id", "threat.tactic.name"),
		keyword(many, "Techniques.", "threat.technique.id", "threat.technique.name", "threat.technique.subtechnique.id", "threat.technique.subtechnique.name"),
		keyword(one, "The vendor's detection rule.", "rule.id", "rule.ruleset", "rule.category", "rule.description"),
	} {
		add(rows)
	}
	return all
}()

// examples are values of the fields that only mappings fill.
var examples = map[string]string{
	"event.code":                         `ldt`,
	"event.url":                          `https://falcon.example.com/activity/detections/1`,
	"event.reference":                    `https://edr.example.com/kb/77`,
	"event.start":                        `2026-02-03T10:15:00.000Z`,
	"event.end":                          `2026-02-03T10:16:00.000Z`,
	"event.risk_score":                   `70`,
	"event.risk_score_norm":              `70`,
	"organization.id":                    `0123456789abcdef`,
	"organization.name":                  `Example`,
	"cloud.account.id":                   `72f988bf-0000-4000-8000-000000000000`,
	"observer.vendor":                    `CrowdStrike`,
	"observer.product":                   `Falcon`,
	"observer.type":                      `edr`,
	"observer.version":                   `7.1`,
	"log.level":                          `WARN`,
	"transaction.id":                     `aPq7`,
	"vendor":                             `{"objective":"Gain Access"}`,
	"alert.id":                           `ldt:1`,
	"alert.source":                       `crowdstrike.epp`,
	"alert.case_id":                      `inc-7`,
	"alert.confidence":                   `high`,
	"alert.state":                        `new`,
	"alert.verdict":                      `true_positive`,
	"alert.disposition":                  `blocked`,
	"alert.updated":                      `2026-02-03T10:15:21.123Z`,
	"alert.is_incident":                  `false`,
	"alert.test":                         `false`,
	"user.full_name":                     `Jane Doe`,
	"user.roles":                         `Global Administrator`,
	"user.target.id":                     `00u2`,
	"user.target.name":                   `joe`,
	"user.target.email":                  `joe@example.com`,
	"user.target.domain":                 `example.com`,
	"user.target.full_name":              `Joe Doe`,
	"user.risk.static_score_norm":        `88`,
	"host.risk.static_score_norm":        `88`,
	"host.hostname":                      `LAPTOP-7`,
	"host.domain":                        `corp.example.com`,
	"host.type":                          `workstation`,
	"host.architecture":                  `x86_64`,
	"host.ip":                            `10.20.30.40`,
	"host.mac":                           `00-00-5E-00-53-23`,
	"host.os.type":                       `windows`,
	"host.os.platform":                   `windows`,
	"host.os.name":                       `Windows`,
	"host.os.full":                       `Windows 11`,
	"host.os.version":                    `11`,
	"device.serial_number":               `SN1`,
	"device.manufacturer":                `Example Inc.`,
	"device.model.name":                  `Book 14`,
	"device.model.identifier":            `B14`,
	"group.name":                         `admins`,
	"service.target.name":                `Payroll`,
	"service.target.id":                  `0oa1`,
	"destination.ip":                     `192.0.2.9`,
	"client.ip":                          `192.0.2.10`,
	"destination.domain":                 `login.example.net`,
	"source.domain":                      `example.net`,
	"source.geo.country_iso_code":        `SE`,
	"source.geo.country_name":            `Sweden`,
	"source.geo.region_name":             `Skåne`,
	"source.geo.city_name":               `Lund`,
	"source.as.number":                   `64500`,
	"source.as.organization.name":        `Example Net`,
	"user_agent.original":                `curl/8.5`,
	"user_agent.name":                    `CHROME`,
	"user_agent.os.name":                 `Windows 11`,
	"user_agent.device.name":             `Computer`,
	"url.original":                       `https://phish.example.net/x`,
	"url.full":                           `https://phish.example.net/x`,
	"url.domain":                         `phish.example.net`,
	"process.name":                       `dump.exe`,
	"process.executable":                 `C:\Users\jane\dump.exe`,
	"process.command_line":               `dump.exe -m lsass.exe`,
	"process.entity_id":                  `51539634`,
	"process.pid":                        `4711`,
	"process.parent.pid":                 `1`,
	"process.start":                      `2026-02-03T10:15:00.000Z`,
	"process.end":                        `2026-02-03T10:16:00.000Z`,
	"process.hash.md5":                   `5d41402abc4b2a76b9719d911017c592`,
	"process.hash.sha1":                  `aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d`,
	"process.hash.sha256":                `2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824`,
	"process.parent.name":                `cmd.exe`,
	"process.parent.executable":          `C:\Windows\System32\cmd.exe`,
	"process.parent.command_line":        `cmd.exe`,
	"process.parent.entity_id":           `51539633`,
	"process.user.name":                  `jane`,
	"file.name":                          `dump.exe`,
	"file.path":                          `C:\Users\jane\dump.exe`,
	"file.size":                          `4096`,
	"file.hash.md5":                      `5d41402abc4b2a76b9719d911017c592`,
	"file.hash.sha1":                     `aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d`,
	"file.hash.sha256":                   `2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824`,
	"related.hash":                       `5d41402abc4b2a76b9719d911017c592`,
	"email.subject":                      `Invoice`,
	"email.message_id":                   `1@mail.example.net`,
	"email.from.address":                 `x@phish.example.net`,
	"email.to.address":                   `jane@example.com`,
	"threat.framework":                   `MITRE ATT&CK`,
	"threat.tactic.id":                   `TA0006`,
	"threat.tactic.name":                 `Credential Access`,
	"threat.technique.id":                `T1003`,
	"threat.technique.name":              `OS Credential Dumping`,
	"threat.technique.subtechnique.id":   `T1003.001`,
	"threat.technique.subtechnique.name": `LSASS Memory`,
	"rule.id":                            `r-1`,
	"rule.ruleset":                       `default`,
	"rule.category":                      `malware`,
	"rule.description":                   `A process read the memory of lsass.exe.`,
}
