# Two hosts on one machine, and a cable between them that is cut. Needs root.
TEST_TARGETS += test-netns

.PHONY: test-netns

test-netns: stage
	python3 tests/netns/run.py --lib stage/lib $(NETNS)
