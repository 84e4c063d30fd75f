/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import java.io.IOException;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.ConstantScoreScorer;
import org.apache.lucene.search.ConstantScoreWeight;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.Weight;
import org.apache.lucene.util.BitSetIterator;
import org.apache.lucene.util.FixedBitSet;
import org.jspecify.annotations.Nullable;

/** Matches documents by their ids. Made for one searcher; asks its predicate once for each document. */
final class IdQuery extends Query {
    private final String field;
    private final Predicate<String> accepted;
    private final Map<LeafReaderContext, FixedBitSet> documents = new IdentityHashMap<>();

    IdQuery(String field, Predicate<String> accepted) {
        this.field = field;
        this.accepted = accepted;
    }

    @Override
    public Weight createWeight(IndexSearcher searcher, ScoreMode mode, float boost) {
        return new ConstantScoreWeight(this, boost) {
            @Override
            public Scorer scorer(LeafReaderContext leaf) throws IOException {
                FixedBitSet matches = documents.get(leaf);
                if (matches == null) {
                    matches = documentsOf(leaf);
                    documents.put(leaf, matches);
                }
                return new ConstantScoreScorer(this, score(), mode, new BitSetIterator(matches, matches.cardinality()));
            }

            @Override
            public boolean isCacheable(LeafReaderContext leaf) {
                return false;
            }
        };
    }

    private FixedBitSet documentsOf(LeafReaderContext leaf) throws IOException {
        FixedBitSet matches = new FixedBitSet(leaf.reader().maxDoc());
        BinaryDocValues ids = DocValues.getBinary(leaf.reader(), field);
        for (int doc = ids.nextDoc(); doc != DocIdSetIterator.NO_MORE_DOCS; doc = ids.nextDoc()) {
            if (accepted.test(ids.binaryValue().utf8ToString())) {
                matches.set(doc);
            }
        }
        return matches;
    }

    @Override
    public void visit(QueryVisitor visitor) {
        visitor.visitLeaf(this);
    }

    @Override
    public String toString(String defaultField) {
        return "IdQuery(" + accepted + ")";
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return this == o;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
