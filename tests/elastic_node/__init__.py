"""A real Elasticsearch node for the tests, built from Maven Central."""
