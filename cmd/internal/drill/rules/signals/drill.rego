# METADATA
# title: Drill
# description: >-
#   Answers the test signal of a drill, and nothing else: it is offered no event
#   of anybody but the drill.
# custom:
#   on: [verification]
#   needs: []
#   mode: enforce
#   severity: low
package signals.drill

# METADATA
# title: The line is alive
actions contains {
	"type": "signalbox:drill",
	"reason": "drill: the line is alive",
} if {
	input.event.issuer == "urn:signalbox:drill"
}
