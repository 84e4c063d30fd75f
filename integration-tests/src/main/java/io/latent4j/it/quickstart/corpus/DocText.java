/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import com.sun.source.doctree.DocTree;
import com.sun.source.doctree.EndElementTree;
import com.sun.source.doctree.EntityTree;
import com.sun.source.doctree.ErroneousTree;
import com.sun.source.doctree.IndexTree;
import com.sun.source.doctree.LinkTree;
import com.sun.source.doctree.LiteralTree;
import com.sun.source.doctree.ReferenceTree;
import com.sun.source.doctree.StartElementTree;
import com.sun.source.doctree.SummaryTree;
import com.sun.source.doctree.SystemPropertyTree;
import com.sun.source.doctree.TextTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.SimpleDocTreeVisitor;
import java.util.List;
import java.util.regex.Pattern;

/** Turns a piece of parsed Javadoc into plain text: tags and HTML go, what a reader would see stays. */
final class DocText extends SimpleDocTreeVisitor<Void, StringBuilder> {

    private static final Pattern SPACE = Pattern.compile("\\s+");

    private final DocTrees trees;

    DocText(DocTrees trees) {
        this.trees = trees;
    }

    String of(List<? extends DocTree> parts) {
        StringBuilder text = new StringBuilder();
        visit(parts, text);
        return SPACE.matcher(text).replaceAll(" ").strip();
    }

    @Override
    public Void visitText(TextTree tree, StringBuilder out) {
        out.append(tree.getBody());
        return null;
    }

    @Override
    public Void visitLiteral(LiteralTree tree, StringBuilder out) {
        out.append(tree.getBody().getBody());
        return null;
    }

    @Override
    public Void visitLink(LinkTree tree, StringBuilder out) {
        if (tree.getLabel().isEmpty()) {
            out.append(shown(tree.getReference()));
        } else {
            visit(tree.getLabel(), out);
        }
        return null;
    }

    @Override
    public Void visitEntity(EntityTree tree, StringBuilder out) {
        String characters = trees.getCharacters(tree);
        out.append(characters == null ? " " : characters);
        return null;
    }

    @Override
    public Void visitStartElement(StartElementTree tree, StringBuilder out) {
        out.append(' ');
        return null;
    }

    @Override
    public Void visitEndElement(EndElementTree tree, StringBuilder out) {
        out.append(' ');
        return null;
    }

    @Override
    public Void visitSummary(SummaryTree tree, StringBuilder out) {
        visit(tree.getSummary(), out);
        return null;
    }

    @Override
    public Void visitIndex(IndexTree tree, StringBuilder out) {
        return visit(tree.getSearchTerm(), out);
    }

    @Override
    public Void visitSystemProperty(SystemPropertyTree tree, StringBuilder out) {
        out.append(tree.getPropertyName());
        return null;
    }

    /** Broken markup, a bare {@code <} for instance, is shown as it stands. */
    @Override
    public Void visitErroneous(ErroneousTree tree, StringBuilder out) {
        out.append(tree.getBody());
        return null;
    }

    /** As the javadoc tool shows it: {@code java.util.List#add(Object)} becomes {@code List.add}. */
    private static String shown(ReferenceTree reference) {
        String signature = reference.getSignature();
        int arguments = signature.indexOf('(');
        String name = arguments < 0 ? signature : signature.substring(0, arguments);
        int hash = name.indexOf('#');
        String type = hash < 0 ? name : name.substring(0, hash);
        String simpleType = type.substring(type.lastIndexOf('.') + 1);
        if (hash < 0) {
            return simpleType;
        }
        String member = name.substring(hash + 1);
        return simpleType.isEmpty() ? member : simpleType + "." + member;
    }
}
