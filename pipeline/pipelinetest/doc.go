// Package pipelinetest holds the conformance suites of the pipeline's seams:
// what every implementation of an interface must do, as tests that its package
// calls. It is imported by tests only.
package pipelinetest
