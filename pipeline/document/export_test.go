package document

// For the tests of document_test, which pipelinetest may help.
var (
	Records  = records
	CheckDoc = checkDoc
)
