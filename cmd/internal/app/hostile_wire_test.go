package app

import (
	"fmt"
	"net/http"
)

// wireAttacks are those on the way a message comes, by whoever can connect.
func wireAttacks() []attack {
	const set = "application/secevent+jwt"
	framed := func(name string, status int, ids, method string, header http.Header) attack {
		return attack{class: "HTTP framing and media types", name: name, status: status, ids: ids,
			send: func(v *victim) reply { return v.request(method, "idp", string(v.good), header) }}
	}
	raw := func(name string, status int, err, says, ids string, text func(path string) string) attack {
		return attack{class: "HTTP framing and media types", name: name, status: status, err: err, says: says, ids: ids,
			send: func(v *victim) reply { return v.raw(text(v.path("idp"))) }}
	}
	head := func(path, more string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: %s\r\n%s", path, hostileSecret, set, more)
	}
	auth := []string{hostileSecret}
	return []attack{
		framed("JSON", 415, "PUSH-18", "POST", http.Header{"Content-Type": {"application/json"}, "Authorization": auth}),
		framed("a plain JWT", 415, "PUSH-18", "POST", http.Header{"Content-Type": {"application/jwt"}, "Authorization": auth}),
		framed("a form", 415, "PUSH-18", "POST", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": auth}),
		framed("no type", 415, "PUSH-18", "POST", http.Header{"Authorization": auth}),
		framed("two types", 415, "PUSH-18", "POST", http.Header{"Content-Type": {set, "text/plain"}, "Authorization": auth}),
		framed("GET", 405, "PUSH-18", "GET", http.Header{"Content-Type": {set}, "Authorization": auth}),
		framed("PUT", 405, "PUSH-18", "PUT", http.Header{"Content-Type": {set}, "Authorization": auth}),
		framed("a method of nobody", 405, "PUSH-18", "BREW", http.Header{"Content-Type": {set}, "Authorization": auth}),
		framed("method overridden", 405, "PUSH-18", "GET", http.Header{"Content-Type": {set}, "Authorization": auth, "X-Http-Method-Override": {"POST"}}),
		framed("no credentials", 401, "PUSH-17 PUSH-19", "POST", http.Header{"Content-Type": {set}}),
		framed("wrong credentials", 401, "PUSH-17 PUSH-19", "POST", http.Header{"Content-Type": {set}, "Authorization": {"Bearer another"}}),
		framed("credentials twice", 401, "PUSH-17 PUSH-19", "POST", http.Header{"Content-Type": {set}, "Authorization": {hostileSecret, "Bearer another"}}),
		raw("a broken chunk", 400, invalidRequest, "", "PUSH-03", func(path string) string {
			return head(path, "Transfer-Encoding: chunked\r\n\r\n3\r\na.b\r\nzz\r\n")
		}),
		raw("nothing", 400, invalidRequest, "SET-20", "", func(path string) string {
			return head(path, "Content-Length: 0\r\n\r\n")
		}),
		raw("a length and chunks", 400, invalidRequest, "SET-20", "", func(path string) string {
			return head(path, "Content-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na.b\r\n0\r\n\r\n")
		}),
		raw("two lengths", 400, "", "server", "PUSH-06", func(path string) string {
			return head(path, "Content-Length: 3\r\nContent-Length: 5\r\n\r\na.b.c")
		}),
		raw("an unknown coding", 501, "", "server", "PUSH-06", func(path string) string {
			return head(path, "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
		}),
		raw("a space before the colon", 400, "", "server", "PUSH-06", func(path string) string {
			return head(path, "Content-Length : 3\r\n\r\na.b")
		}),
		raw("no host", 400, "", "server", "PUSH-06", func(path string) string {
			return "POST " + path + " HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
		}),
	}
}
