"""Guards against leaks: the real scripts over a made corpus, each guard with a planted leak."""
