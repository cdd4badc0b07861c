def run(options, tmp): return []
