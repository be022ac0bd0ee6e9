"""Pictures in tar files (WebDataset's form): sets that are too many files for a disk or a folder.

``write`` makes them, ``index`` says which picture stands where, ``storage`` reads one out of its
shard (registered with mmengine as ``tar://``), ``order`` deals them to processes shard by shard.
"""
