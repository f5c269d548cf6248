"""The studio in the browser: a server that takes jobs over HTTP and shows them being painted.

Nothing in the server's own process imports torch: what does runs in processes beside it, `desk` and
`jobs.process`, that may die without it.
"""
