// Package question holds the questions analysts ask of an index, and answers
// them: what somebody went through, why something was done, what was never
// taken, who is in trouble, which rule is noise.
//
// The questions are one table, All. Each is a query with groups and metrics, a
// sequence (this, then that of the same subject within a time) or a search, with
// parameters, and the texts that ask the same in Kibana. Command line,
// documentation and Kibana's saved objects are made from it.
//
// Ask works on any query.Searcher that is also a query.Aggregator;
// pipelinetest.TestQuestions holds an index to the answers. What an index counts
// exactly is exact here; reading is bounded, and what a bound cut off is said in
// Answer.Partial.
//
// It is not a language: what is not in the table is asked with a query.
package question
