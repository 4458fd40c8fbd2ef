# The key of the feed: signalbox set sign makes its tokens by it.
data_dir = "../out/feed"
